// Package request prepares a model request for one attempt: thought signatures that the
// attempt's model accepts, and calls and responses in the form that every API takes. The
// copy for the attempt is made by package clone, schemas are in package wireschema.
package request
