// Package sse reads and writes server-sent events, the format in which all vendors
// stream answers. The reader accepts the deviations of real servers. The writer
// follows the specification.
package sse
