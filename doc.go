// Package duplex is the root of a WebSocket library written from RFC 6455 and RFC
// 7692 up. It holds no code; this page maps the packages and the sections of the RFCs to
// files.
//
// An application imports one package:
//
//	conn         a connection: Accept, Dial, Handler, Read, Write, Close
//
// Around it, for programs that run for long:
//
//	conn/drain   graceful shutdown of all connections of a server
//	conn/redial  a client that reconnects
//
// The parts below it can be used alone, by gateways, proxies and load testers:
//
//	mask         XOR masking of payloads                                 5.3
//	frame        the wire format: headers, opcodes, close bodies, codes  5.1, 5.2, 5.5, 7.4
//	handshake    the opening handshake of both sides                     3, 4, 9.1, 10.2, 11
//	deflate      DEFLATE for messages, permessage-deflate's parameters   RFC 7692
//
// Beside them:
//
//	autobahn     the Autobahn test suite: configuration, runner, expected results
//	examples     programs to run; examples/echo first, examples/observe for logs and metrics
//	internal     the message layer (internal/protocol), which vector instructions to use
//	             (internal/cpu), and what tests need
//
// # Where a section of RFC 6455 lives
//
//	3 WebSocket URIs           handshake/url.go
//	4.1 client                 handshake/dial.go, handshake/client.go, conn/dial.go
//	4.2 server                 handshake/verdict.go, handshake/upgrade.go, handshake/accept.go, conn/accept.go,
//	                           conn/listen.go
//	4.3 grammar                handshake/token.go, handshake/key.go
//	5.1, 5.2 framing           frame/header.go, frame/parse.go, frame/check.go
//	5.3 masking                mask/mask.go
//	5.4 fragmentation          internal/protocol/receiver.go, internal/protocol/sender.go
//	5.5 control frames         internal/protocol/receiver.go, conn/owed.go, conn/ping.go
//	6.1 sending                internal/protocol/sender.go, conn/write.go, conn/output.go, conn/writer.go,
//	                           conn/post.go, conn/replies.go
//	6.2 receiving              internal/protocol/receiver.go, conn/read.go, conn/reader.go, conn/serve.go
//	7.1 closing and failing    internal/protocol/state.go, conn/close.go, conn/fail.go
//	7.2 abnormal closures      conn/redial/redial.go, conn/redial/pause.go
//	7.4 status codes           frame/status.go, frame/close.go
//	8.1 UTF-8                  internal/protocol/text.go
//	9 extensions               handshake/extension.go
//	10.2 origin                handshake/origin.go
//	10.4 limits                internal/protocol/receiver.go, conn/options.go
//
// # Where a section of RFC 7692 lives
//
//	5 negotiation              conn/compression.go, deflate/negotiate.go
//	6 framing                  internal/protocol/receiver.go, internal/protocol/sender.go
//	6.1 sending                conn/compress.go, conn/prepared.go
//	6.2 receiving              conn/inflate.go
//	7.1 parameters             deflate/params.go, deflate/negotiate.go
//	7.2.1 compression          deflate/encoder.go
//	7.2.2 decompression        deflate/decoder.go
//
// Which test shows which requirement of the RFC stands in docs/requirements.md; a
// test keeps that table complete.
package duplex
