#pragma once

#include <map>
#include <string>
#include <utility>

#include "sim/virtual_time.hpp"
#include "util/files.hpp"

namespace sim {

/// Files that exist only in memory. There is one directory, /files, which may be taken away.
class MemoryFiles final : public util::Files {
 public:
  explicit MemoryFiles(VirtualTime& time) : time_(time) {}

  util::Result<void> can_write_in(const std::string& directory) override {
    if (there_ && directory == "/files") return {};
    return util::Error{-1, "cannot write in " + directory + ": No such file or directory", {}};
  }

  void write_file(const std::string& path, std::string text, util::Function<void(util::Result<void>)> done) override {
    const auto answer = can_write_in(path.substr(0, path.rfind('/')));
    if (answer) texts_[path] = std::move(text);
    time_.post([done = std::move(done), answer]() mutable { done(answer); });
  }

  void take_directory_away() { there_ = false; }
  /// By path.
  [[nodiscard]] const std::map<std::string, std::string>& texts() const { return texts_; }

 private:
  VirtualTime& time_;
  std::map<std::string, std::string> texts_;
  bool there_ = true;
};

}  // namespace sim
