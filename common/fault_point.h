// Places where a test can make a worker or the master fail. Only builds with the option
// TALLY_FAULT_POINTS have them: in all others, nothing of this is in the program.
//
// The environment variable TALLY_FAULTS says what happens, as a list with commas of
//
//   POINT:WHO:HIT:ACTION     e.g.  mid-chunk:2:1:kill,before-merge:master:1:stop
//
// WHO is a worker's number from 1, "any" worker, or "master"; HIT is the number of the time that
// WHO comes there, from 1 and over all the lives of a worker, or with a plus ("1+") every time from
// that one on; ACTION is one of kill, segv, abort, stop (as by these signals), exit (with status
// 0), hang, error (an Error is thrown), and fail (the system call of this name fails, by EAGAIN).
//
// TALLY_FAULT_LOG is a file that gets a line for each time that somebody comes to a point, before
// anything happens there: POINT WHO, or POINT WHO ACTION where something is to happen.
#ifndef TALLY_COMMON_FAULT_POINT_H_
#define TALLY_COMMON_FAULT_POINT_H_

#ifdef TALLY_FAULT_POINTS

#include <cstdint>

namespace tally {

/// Reads TALLY_FAULTS and opens TALLY_FAULT_LOG. For the master, before it starts workers; throws a
/// UsageError.
void SetUpFaults();

/// Says that this thread is this worker from now on, and not the master.
void FaultsOfWorker(uint32_t worker);

/// Comes to the point of this name.
void FaultPoint(const char* name);

/// Comes to the point of this name, before the system call that it is called by; true with errno
/// set: that is to be taken for failed.
bool FaultFails(const char* name);

}  // namespace tally

#define TALLY_SET_UP_FAULTS() ::tally::SetUpFaults()
#define TALLY_FAULTS_OF_WORKER(worker) ::tally::FaultsOfWorker(worker)
#define TALLY_FAULT_POINT(name) ::tally::FaultPoint(name)
#define TALLY_FAULT_FAILS(name) ::tally::FaultFails(name)

#else

#define TALLY_SET_UP_FAULTS() static_cast<void>(0)
#define TALLY_FAULTS_OF_WORKER(worker) static_cast<void>(0)
#define TALLY_FAULT_POINT(name) static_cast<void>(0)
#define TALLY_FAULT_FAILS(name) false

#endif

#endif  // TALLY_COMMON_FAULT_POINT_H_
