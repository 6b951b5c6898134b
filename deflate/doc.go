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
// of an Encoder depends on the level alone, and a small message touches little of it.
// Compressed text is appended to the caller's slice.
//
//	                                    level 1   levels 2, 3   levels 4 to 9
//	working state in the pool, KB           216           249             314
//	peak while a message is compressed: the state and the window kept, KB
//	  no takeover                           216           249             314
//	  2^9 bytes                             217           249             315
//	  2^11                                  218           251             317
//	  2^12                                  220           253             319
//	  2^13                                  224           257             323
//	  2^15                                  249           282             347
//
// # Levels and windows
//
// Time per message in µs, and how many times smaller JSON-like records become, on one
// machine; the proportions are what matters. Inflating 1 KiB takes 3 µs and 16 KiB
// 18 µs there, whatever the level and window. This and the table above come from
//
//	go test -run '^$' -bench Levels ./deflate
//
//	                    level 1     level 2     level 3     level 6     level 9
//	1 KiB messages
//	  no takeover       7   2.59   10   2.69   10   2.69   12   2.70   13   2.70
//	  2^9 bytes         9   3.04   11   3.32   11   3.34   13   3.36   13   3.36
//	  2^11             10   3.99   13   4.41   13   4.44   17   4.53   16   4.56
//	  2^12             11   4.25   13   4.67   13   4.73   17   4.81   21   4.96
//	  2^13             15   4.30   19   4.77   20   4.81   24   4.88   31   5.09
//	  2^15             16   4.16   20   4.61   20   4.68   26   4.74   95   5.26
//	16 KiB messages
//	  no takeover      46   4.53   78   4.95   88   5.07  130   5.13  217   5.27
//	  2^9              66   3.36  103   3.75  110   3.79  120   3.81  124   3.81
//	  2^11             56   4.41   94   4.94  103   5.05  121   5.16  141   5.21
//	  2^12             58   4.75   98   5.34  107   5.52  130   5.61  179   5.76
//	  2^13             62   4.86  106   5.45  118   5.59  152   5.69  231   5.92
//	  2^15             81   4.98  128   5.55  137   5.66  198   5.82  550   6.10
//
// With takeover the history is searched anew for every message, which a large window
// makes slow for small ones: 2^12 bytes are a good choice for messages of about 1 KiB.
// Without takeover a window below 2^15 bytes saves no memory and costs size.
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
