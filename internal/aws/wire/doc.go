// Package wire describes an AWS service on the wire: its operations, shapes, constraints and names, and the scalar
// types that Go does not have.
//
// The tables are generated into internal/gen by cmd/apigen and never change at run time. The package also checks a
// decoded input against its constraints and reads and writes the formats that no library knows for a table: query
// parameters and AWS's XML. It knows no service and speaks no HTTP.
package wire
