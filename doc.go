// Package duplex is the root of a WebSocket library written from RFC 6455 up. It
// holds no code; this page maps the packages and the sections of the RFC to files.
//
// An application imports one package:
//
//	conn         a connection: Accept, Dial, Handler, Read, Write, Close
//
// The parts below it can be used alone, by gateways, proxies and load testers:
//
//	mask         XOR masking of payloads                                 5.3
//	frame        the wire format: headers, opcodes, close bodies, codes  5.1, 5.2, 5.5, 7.4
//	handshake    the opening handshake of both sides                     3, 4, 9.1, 10.2, 11
//
// Beside them:
//
//	autobahn     the Autobahn test suite: configuration, runner, expected results
//	examples     programs to run; examples/echo first
//	internal     the message layer (internal/protocol) and what tests need
//
// # Where a section of RFC 6455 lives
//
//	section                     files
//	3 WebSocket URIs            handshake
//	4.1 client handshake        handshake, conn/dial.go
//	4.2 server handshake        handshake, conn/accept.go
//	5.1, 5.2 framing            frame/header.go, frame/parse.go, frame/check.go
//	5.3 masking                 mask/mask.go
//	5.4 fragmentation           internal/protocol
//	5.5 control frames          internal/protocol, conn/ping.go, conn/close.go
//	6.1 sending                 conn/write.go
//	6.2 receiving               internal/protocol, conn/read.go
//	7.1 closing and failing     internal/protocol, conn/close.go
//	7.4 status codes            frame/status.go, frame/close.go
//	8.1 UTF-8                   internal/protocol
//	9 extensions                handshake
//	10.2 origin                 handshake
//	10.4 limits                 internal/protocol, conn/options.go
//
// Which test shows which requirement of the RFC stands in docs/requirements.md; a
// test keeps that table complete.
package duplex
