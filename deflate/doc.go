// Package deflate implements what permessage-deflate, RFC 7692, asks for: a codec for
// DEFLATE, RFC 1951, that is built for messages, and the negotiation of the
// parameters.
//
// A [Decoder] inflates the messages of one direction of a connection. It is given
// compressed bytes as they arrive, in pieces of any size, and stops where either they
// or the room for output end. What it writes per call is bounded by that room. An
// [Encoder] compresses messages; the longer ones leave in several parts. Neither
// refers to anything further back than the [Window] agreed, of 2^8 to 2^15 bytes.
//
// [Negotiate] answers the offers of a client, [Offer] makes one and [Verify] reads
// the response. Parameters are name/value pairs; reading and writing the header field
// is left to others.
//
// # Memory
//
// What a connection keeps between messages is one window per direction, none before
// the first message or without takeover, and less than the full size as long as there
// was less text. All else is working state: it comes from a pool when a message
// begins, and goes back when it ends, fails or is given up by Reset. That of a Decoder
// is 8 KB, and up to 32 KiB more if a message without takeover leaves in parts. That
// of an Encoder is 145 KB, of which a small message touches little, twice to four
// times the text of a block, and from level 2 on another 64 KiB. A block has less
// than 64 KiB of text.
//
// # Levels and windows
//
// Time per message in µs, and how many times smaller JSON-like text becomes, on one
// machine; the proportions are what matters. Inflating 1 KiB takes 3 µs and 16 KiB
// 18 µs there, whatever the level and window.
//
//	                    level 1      level 3      level 6      level 9
//	1 KiB messages
//	  no takeover      12   2.25    18   2.37    19   2.37    19   2.37
//	  2^9 bytes        13   2.54    19   2.80    19   2.80    18   2.80
//	  2^11             15   3.13    26   3.41    28   3.48    25   3.51
//	  2^12             15   3.20    25   3.46    28   3.61    32   3.70
//	  2^13             19   3.27    34   3.54    38   3.76    45   3.91
//	  2^15             25   3.29    52   3.56    46   3.83    60   4.24
//	16 KiB messages
//	  no takeover      91   3.47   177   3.77   252   3.97   345   4.06
//	  2^9             102   2.81   164   3.15   173   3.16   163   3.16
//	  2^11            100   3.45   191   3.82   228   3.92   231   3.94
//	  2^12            103   3.58   194   3.93   250   4.12   282   4.20
//	  2^13            112   3.67   209   4.03   275   4.32   350   4.46
//	  2^15            138   3.78   256   4.13   349   4.53   859   4.82
//
// With takeover the history is searched anew for every message, which a large window
// makes slow for small ones: 2^12 bytes are a good choice for messages of about 1 KiB.
// RFC 7692, section 7.3, advises against windows below 2^10 bytes.
//
// # Rules
//
// No slice is kept by a call. No function blocks, does I/O or starts a goroutine.
// Functions may be called concurrently; the methods of one Decoder or Encoder may not.
// In steady state nothing is allocated. A malformed message is an error of type
// [Corrupt] and final.
//
// Compressing secrets and text that an attacker chooses with the same window gives
// the secrets away by the length of messages, encryption or not: RFC 7692, section 8.
package deflate
