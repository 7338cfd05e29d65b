// Package sweep forgets the past on schedule.
//
// Stopped tasks stay describable for an hour, events of a service until a hundred newer ones came, deleted
// services, clusters and instances for an hour, client tokens for a day, finished service deployments until
// ninety days or a hundred newer ones have passed, service revisions as long as something speaks of them. A
// task definition that was asked to be deleted goes when nothing uses it any more; its family remembers the
// last revision for ever. Every age is a setting.
//
// Each kind of record is looked through at Config.Every and at most Config.Limit records are forgotten in one
// Update, so that a long past delays nobody.
//
// Reads everything. Deletes records and writes no field.
package sweep
