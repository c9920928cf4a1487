// Inflates with zlib, which is everywhere.
#ifndef TALLY_WORKER_ZLIB_INFLATER_H_
#define TALLY_WORKER_ZLIB_INFLATER_H_

#include <memory>
#include <string>

#include "worker/inflater.h"

namespace tally {

std::unique_ptr<Inflater> MakeZlibInflater();
std::string ZlibName();

}  // namespace tally

#endif  // TALLY_WORKER_ZLIB_INFLATER_H_
