// Package report reads the reports of the Autobahn testsuite, summarises them by
// section and compares them with the results that are expected.
//
// The suite judges a case by three values. The behavior says whether the messages
// were the right ones. The close behavior says whether the connection was closed by
// the right side and cleanly. The remote close code is the status code that the suite
// received from the implementation under test. The suite is content with an
// implementation that drops the TCP connection where RFC 6455 wants it to say why, so
// the first two values alone do not show conformance; [Compare] compares all three, and
// the set of cases as well.
//
//   - [Load] reads the index.json of one run.
//   - [ReadExpected] and [Expected.Write] read and write a file of expected results.
//   - [Compare] lists every deviation of a run from the expected results.
//   - [Table] prints the counts of each section.
//
// Nothing in this package runs the suite; no function is safe for use on a value that
// another goroutine changes.
package report
