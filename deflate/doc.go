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
//	working state in the pool, KB           200           216             314
//	peak while a message is compressed: the state and the window kept, KB
//	  no takeover                           200           216             314
//	  2^9 bytes                             200           217             315
//	  2^11                                  202           218             317
//	  2^12                                  204           220             319
//	  2^13                                  208           224             323
//	  2^15                                  233           249             347
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
//	  no takeover       8   2.61    9   2.68    9   2.69   14   2.71   14   2.71
//	  2^9 bytes         8   3.04    9   3.31   10   3.33   14   3.35   14   3.35
//	  2^11              8   3.98   10   4.34   10   4.36   16   4.49   18   4.53
//	  2^12              9   4.26   12   4.64   12   4.66   19   4.86   22   4.96
//	  2^13             10   4.28   12   4.65   12   4.67   19   4.88   32   5.10
//	  2^15             11   4.14   13   4.50   14   4.53   21   4.73   99   5.26
//	16 KiB messages
//	  no takeover      42   4.52   61   4.89   69   4.94  132   5.13  219   5.26
//	  2^9              60   3.37   80   3.76   86   3.79  122   3.81  125   3.81
//	  2^11             51   4.39   72   4.94   78   5.03  123   5.16  156   5.21
//	  2^12             49   4.72   70   5.31   77   5.39  128   5.60  178   5.75
//	  2^13             50   4.83   75   5.37   82   5.42  145   5.70  228   5.92
//	  2^15             54   4.95   86   5.37   94   5.41  178   5.82  549   6.10
//
// With takeover the history is put into tables anew for every message, which a large
// window makes slow for small ones, although only some of its positions then are: 2^12
// bytes are a good choice for messages of about 1 KiB.
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
