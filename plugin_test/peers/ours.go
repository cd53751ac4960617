package peers

// ours is this module's own entry.
var ours []Peer
