// Package sigv4 says who signed a request, or why that cannot be believed.
//
// It verifies AWS Signature Version 4 in the Authorization header or in a presigned query by signing the received
// request again and comparing in constant time. Every arriving x-amz-* header and the host must be signed, the body
// must have the hash that was signed, and the date must lie within fifteen minutes. It also mints temporary
// credentials that need no record: the session token is the sealed identity.
//
// Not promised: chunked signing, UNSIGNED-PAYLOAD and SigV4a, which no service here needs.
package sigv4
