# Starts wstest on CPython 2.7: launch.py INTERFACE WSTEST-ARGUMENT...
#
# The fuzzingserver listens on every interface and has no option for it. This binds it
# to the one given. The order of the imports matters: wstest installs its reactor.
import functools
import sys

from autobahntestsuite import wstest
from autobahntestsuite import fuzzing

fuzzing.listenWS = functools.partial(fuzzing.listenWS, interface=sys.argv.pop(1))
wstest.run()
