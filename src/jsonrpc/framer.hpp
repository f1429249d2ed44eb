#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "util/function.hpp"
#include "util/result.hpp"

namespace jsonrpc {

/// Cuts a byte stream into top-level objects, in linear time however the bytes arrive, without relying on blank lines
/// between them. lightningd hands on what its callers typed, and a caller may type blank lines; what stands in a string
/// or in a word without quotes (12"3, a{b) is told from brackets by the rules of lightningd's own reader. Owned by
/// whoever reads the stream: the Plugin for standard input, the Caller for its connection.
///
/// What stands between objects and is no white space is no caller's. It is skipped up to the next blank line, with
/// which lightningd ends each message. Inside an object a blank line ends nothing, or a caller could type messages.
class Framer {
 public:
  static constexpr std::size_t default_limit = std::size_t{256} << 20;

  /// A message of more than `limit` bytes is an error.
  explicit Framer(std::size_t limit = default_limit) : limit_(limit) {}

  /// Calls `found` with each complete object, in order, and with the beginning of each text between objects that is no
  /// white space (up to 4,096 bytes; it does not begin with a brace). The view lives for that call only; `found` may
  /// return false to stop (the framer's owner is going away), then nothing more is touched.
  /// An error (a message over the limit) is final: every later feed fails too.
  [[nodiscard]] util::Result<void> feed(std::string_view bytes, util::Function<bool(std::string_view)> found);

 private:
  [[nodiscard]] std::size_t end_of_garbage(std::string_view bytes, std::size_t at);
  [[nodiscard]] std::size_t scan(std::string_view bytes, std::size_t at);
  [[nodiscard]] std::size_t scan_string(std::string_view bytes, std::size_t at);
  [[nodiscard]] util::Error broken(std::string message);

  std::size_t limit_;
  std::string partial_;  // the message that has begun in earlier reads
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool in_word_ = false;
  bool in_garbage_ = false;
  bool after_newline_ = false;
  bool escaped_ = false;
  bool broken_ = false;
};

}  // namespace jsonrpc
