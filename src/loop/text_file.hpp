#pragma once

#include <memory>
#include <optional>
#include <string>

#include "util/rope.hpp"

namespace loop {

/// A text in a file that is only memory: Linux sends its pages to a unix socket without copying them.
class TextFile {
 public:
  /// Null where the system has no such files.
  [[nodiscard]] static std::shared_ptr<const TextFile> make(const std::string& text);
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  /// Sends of `size` bytes from `begin` on what `socket` takes at once, and returns how many that were; nothing when it
  /// takes none in this way. Why, an ordinary write will tell.
  [[nodiscard]] std::optional<std::size_t> send(int socket, std::size_t begin, std::size_t size) const;

 private:
  explicit TextFile(int fd) : fd_(fd) {}

  int fd_;
};

/// Finds out which texts are worth a file: large ones that come again, as a PSBT does that goes to 2,000 peers. Knows
/// the last large one. A member of the stream.
class TextFiles {
 public:
  /// Null when `text` is to be written as others are.
  [[nodiscard]] std::shared_ptr<const TextFile> of(const util::SharedText& text);

 private:
  std::weak_ptr<const std::string> last_;
  std::shared_ptr<const TextFile> file_;  // of last_, when it came again
};

}  // namespace loop
