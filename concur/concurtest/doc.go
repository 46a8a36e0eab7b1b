// Package concurtest is a SAP Concur in memory, for tests and demonstrations.
package concurtest
