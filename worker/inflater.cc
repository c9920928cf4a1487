#include "worker/inflater.h"

#include "worker/zlib_inflater.h"
#ifdef TALLY_HAS_ISAL
#include "worker/isal_inflater.h"
#endif

namespace tally {

std::span<const InflateLibrary> InflateLibraries() {
  static constexpr InflateLibrary kLibraries[] = {InflateLibrary::kIsal, InflateLibrary::kZlib};
  const std::span<const InflateLibrary> all = kLibraries;
#ifdef TALLY_HAS_ISAL
  if (IsIsalThere()) return all;
#endif
  return all.last(1);
}

std::string NameOf([[maybe_unused]] InflateLibrary library) {
#ifdef TALLY_HAS_ISAL
  if (library == InflateLibrary::kIsal) return IsalName();
#endif
  return ZlibName();
}

std::unique_ptr<Inflater> MakeInflater([[maybe_unused]] InflateLibrary library) {
#ifdef TALLY_HAS_ISAL
  if (library == InflateLibrary::kIsal) return MakeIsalInflater();
#endif
  return MakeZlibInflater();
}

}  // namespace tally
