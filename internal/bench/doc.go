// Command bench measures WebSocket servers side by side: this library, those that Go
// programs use today, and a plain TCP echo as yardstick. See the README beside it.
//
//	go run . -h
package main
