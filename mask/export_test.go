package mask

// Implementation is one of the ways to mask. Between Use and restore, XOR and Copy go
// that way.
type Implementation struct {
	Name string
	Use  func() (restore func())
}
