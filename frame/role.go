package frame

// Role is the side of a connection that an endpoint plays. It decides who masks
// (RFC 6455, section 5.1) and who closes TCP first (section 7.1.1).
type Role uint8

// The two roles. The zero value is Client; any value but Client counts as Server.
const (
	Client Role = iota // opened the connection; masks what it sends
	Server             // accepted the connection; never masks
)

// Peer returns the role of the other side.
func (r Role) Peer() Role {
	if r == Client {
		return Server
	}
	return Client
}

// String returns "client" or "server".
func (r Role) String() string {
	if r == Client {
		return "client"
	}
	return "server"
}
