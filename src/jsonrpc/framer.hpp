#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "util/function.hpp"
#include "util/result.hpp"

namespace jsonrpc {

/// Cuts a byte stream into top-level JSON objects, in linear time however the bytes arrive, without
/// relying on blank lines between them. Owned by a Channel; one per direction of a connection.
class Framer {
 public:
  static constexpr std::size_t default_limit = std::size_t{256} << 20;

  /// A message of more than `limit` bytes is an error.
  explicit Framer(std::size_t limit = default_limit) : limit_(limit) {}

  /// Calls `found` with each complete object, in order. The view lives for that call only; `found`
  /// may return false to stop (the framer's owner is going away), then nothing more is touched.
  /// An error (text between objects that is not white space, a message over the limit) is final:
  /// every later feed fails too.
  [[nodiscard]] util::Result<void> feed(std::string_view bytes, util::Function<bool(std::string_view)> found);

 private:
  [[nodiscard]] std::size_t scan(std::string_view bytes, std::size_t at);
  [[nodiscard]] std::size_t scan_string(std::string_view bytes, std::size_t at);
  [[nodiscard]] util::Error broken(std::string message);

  std::size_t limit_;
  std::string partial_;  // the message that has begun in earlier reads
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool broken_ = false;
};

}  // namespace jsonrpc
