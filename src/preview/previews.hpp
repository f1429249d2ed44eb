#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "plugin/plugin.hpp"
#include "preview/preview.hpp"

namespace preview {

/// The previews that run. Owned by the Service.
class Previews {
 public:
  /// Answers the command in the end, then calls `ended`.
  void start(std::unique_ptr<Preview> preview, plugin::Command command, util::Function<void()> ended);
  [[nodiscard]] bool empty() const { return running_.empty(); }
  void abort(const util::Error& error);
  /// Touches nothing any more; the commands are answered.
  void leave(const util::Error& error);

 private:
  struct Run {
    std::unique_ptr<Preview> preview;
    plugin::Command command;
  };

  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Run> running_;
};

}  // namespace preview
