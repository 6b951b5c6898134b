package duplex_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/duplexws/duplex/conn"
)

// A client of examples/echo.
func Example_client() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	c, err := conn.Dial(ctx, "ws://127.0.0.1:9001/", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	if err := c.Write(ctx, conn.Text, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	_, message, err := c.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", message)

	if err := c.Close(ctx, conn.StatusNormalClosure, ""); err != nil {
		log.Fatal(err)
	}
}
