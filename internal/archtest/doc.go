// Package archtest keeps the architecture true: who may import whom, how packages are shaped, what the model, the
// code and the documents say of each other. It has tests only.
package archtest
