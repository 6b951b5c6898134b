// Package server is the measured side of the benchmarks: an echo server per library,
// one file each, in the configuration that the library's documentation recommends for
// speed, and the process around them that tells what it has used.
//
// A server runs in a process of its own with one processor, so that its CPU time is
// the cost of its work and not of waiting. The parent process starts it with Start,
// on a CPU of its own where the system can do that, and asks it for its Usage through
// its standard input and output.
package server
