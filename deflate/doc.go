// Package deflate is a placeholder.
package deflate
