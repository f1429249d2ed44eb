#pragma once

#include <string>

#include "util/function.hpp"
#include "util/result.hpp"

namespace util {

/// Writes files, in the background. Injected like Transport and Connector: libuv's or a test's memory.
class Files {
 public:
  /// Whether files can be made in this directory. Looks once, which does not take long.
  [[nodiscard]] virtual Result<void> can_write_in(const std::string& directory) = 0;
  /// Writes `text` to `path` so that whoever reads there finds either all of it or nothing new. `done`
  /// comes from the loop, unless that has ended before.
  virtual void write_file(const std::string& path, std::string text, Function<void(Result<void>)> done) = 0;

 protected:
  ~Files() = default;
};

}  // namespace util
