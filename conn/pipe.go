package conn

import (
	"context"

	"github.com/duplexws/duplex/internal/pipe"
)

// pipeSize is how much each direction of a Pipe holds before a writer waits, about as
// much as a socket does.
const pipeSize = 64 << 10

// Pipe returns the two ends of a connection in memory. They behave as over TCP: they
// are buffered, have deadlines, and one end's CloseNow is the other's broken stream.
// Programs can test their handlers with it, also inside testing/synctest. The options
// may be nil; Compression is used if both ends have it, and what concerns the opening
// handshake, Subprotocols too, has no meaning here.
func Pipe(clientOptions, serverOptions *Options) (client, server *Conn) {
	a, b := pipe.New(pipeSize)
	co, so := clientOptions.withDefaults(), serverOptions.withDefaults()
	agreed := so.Compression.choose(co.Compression.offers())
	client = newConn(context.Background(), a, &Start{Role: Client, Extensions: agreed}, nil, &co)
	server = newConn(context.Background(), b, &Start{Role: Server, Extensions: agreed}, nil, &so)
	return client, server
}
