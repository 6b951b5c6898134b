// Package wstest holds what the tests of several packages share: golden vectors as
// data ([Vectors], [Streams]), ways to cut a byte stream ([Cuts]), a net.Conn that
// fails on demand ([FaultConn]), memory with forbidden pages around it (Fenced, on
// Linux) and a check for leaked goroutines ([Main]).
//
// A file of vectors is a list of records, separated by empty lines. A record is a
// list of fields, "key: value", one a line; an indented line goes on with the value
// of the line before. A line that begins with # is a comment. Bytes are written in
// hexadecimal with blanks between them at will, where 61*200 means 200 times 61 and
// # begins a comment up to the end of the line; or, where a field says so, as a
// quoted Go string.
package wstest
