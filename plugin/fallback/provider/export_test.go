package provider

// IsPlainConfig is isPlainConfig for tests outside of the package.
var IsPlainConfig = isPlainConfig
