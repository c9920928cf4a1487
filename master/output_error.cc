#include "master/output_error.h"

#include <cerrno>

namespace tally {
namespace {

/// What a person can do about a failed system call on an output; empty where errno says it all.
std::string_view Remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space there, or write to another place";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; write to a place where you may";
    case ENOENT:
    case ENOTDIR:
      return "; make its directory first";
    case EFBIG:
      return "; raise the limit on file sizes (ulimit -f)";
    case EBUSY:
      return "; it is a mount point, write beside it";
    case EBADF:
      return "; it is closed, or open for reading only";
    case EIO:
      return "; check the disk";
    default:
      return "";
  }
}

}  // namespace

Error OutputError(const std::string& path, std::string_view what, int errno_value) {
  return Error(SystemError(path, what, errno_value).what() + std::string(Remedy(errno_value)));
}

}  // namespace tally
