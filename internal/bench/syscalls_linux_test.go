package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPerMessage(t *testing.T) {
	got := perMessage(map[string]uint64{
		enterAny: 75, enter + "read": 20, enter + "recvfrom": 10, enter + "writev": 10, enter + "epoll_ctl": 5,
	}, 10)
	want := figures{readCalls: 3, writeCalls: 1, waitCalls: 0.5, otherCalls: 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}
