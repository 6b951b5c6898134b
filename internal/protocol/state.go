package protocol

// State is where a connection stands in its closing handshake. The zero value is
// Open.
//
// RFC 6455, section 7.1.
type State uint8

// The states. A connection is CLOSING, in the words of section 7.1.3, once a Close
// frame was sent or received: from SentClose to BothClosed, and in Failed.
const (
	Open          State = iota // no Close frame was sent or received
	SentClose                  // ours is out, the peer's is awaited
	ReceivedClose              // the peer's is in, our answer is owed
	BothClosed                 // the closing handshake is complete; TCP is to be closed, by the server first
	Failing                    // we gave up on the peer and owe it a Close frame; what comes in is dropped
	Failed                     // the same, with our Close frame out
	Closed                     // the connection is gone
	numStates
)

// Step is what can happen to a connection that is closing.
type Step uint8

// The steps.
const (
	SendClose    Step = iota // we send a Close frame, of our own accord or as an answer
	ReceiveClose             // a valid Close frame came in
	Fail                     // the peer broke a rule, or we gave up on it
	Vanish                   // the stream ended or was cut
	numSteps
)

// states is the closing handshake: for each state what is allowed in it, and where
// each step leads. A step that leads to the state it is taken in changes nothing:
// a Close frame is sent once and answered once, and the first end is the one that
// counts.
var states = [numStates]struct {
	// RFC 6455, section 5.5.1: no data frame follows our Close. After the peer's
	// Close nothing but our own is sent.
	send bool
	// RFC 6455, section 7.1.7: nothing that follows a failure is processed. After
	// our own Close, what the peer still sends is delivered.
	deliver bool
	// RFC 6455, section 5.5.2: a Ping is answered unless a Close was received.
	pong bool
	// mayClose: our Close frame was not sent yet.
	mayClose bool
	next     [numSteps]State
}{
	//              send   deliver pong  mayClose       SendClose   ReceiveClose   Fail     Vanish
	Open:          {true, true, true, true, [...]State{SentClose, ReceivedClose, Failing, Closed}},
	SentClose:     {false, true, true, false, [...]State{SentClose, BothClosed, Failed, Closed}},
	ReceivedClose: {false, false, false, true, [...]State{BothClosed, ReceivedClose, ReceivedClose, Closed}},
	BothClosed:    {false, false, false, false, [...]State{BothClosed, BothClosed, BothClosed, Closed}},
	Failing:       {false, false, false, true, [...]State{Failed, Failing, Failing, Closed}},
	Failed:        {false, false, false, false, [...]State{Failed, Failed, Failed, Closed}},
	Closed:        {false, false, false, false, [...]State{Closed, Closed, Closed, Closed}},
}

// After returns the state that the step leads to.
func (s State) After(step Step) State { return states[s].next[step] }

// MaySend reports whether data frames and Pings may be sent.
func (s State) MaySend() bool { return states[s].send }

// MayDeliver reports whether messages that come in are for the application.
func (s State) MayDeliver() bool { return states[s].deliver }

// AnswersPing reports whether a Ping that comes in is answered.
func (s State) AnswersPing() bool { return states[s].pong }

// MaySendClose reports whether a Close frame may be sent.
func (s State) MaySendClose() bool { return states[s].mayClose }
