// Package request prepares a model request for one attempt: thought signatures that the
// attempt's model accepts, and calls and responses in the form that every API takes. Package
// clone makes the copy for the attempt; package wireschema converts schemas.
package request
