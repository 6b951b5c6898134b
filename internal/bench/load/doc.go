// Package load is the client of the benchmarks: one thread that keeps many
// connections busy and does as little as it can, so that what is measured is the
// server. What it sends was framed, masked and compressed before; of what comes back
// it reads the headers of the frames and counts.
//
// Replies are looked at closely only before a measurement, by Verify, which inflates
// them and compares every byte.
//
// The loop uses epoll and so needs Linux; the rest does not.
package load
