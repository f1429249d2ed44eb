#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace util {

/// A text that is made once and written many times: one PSBT that goes to 2,000 peers.
using SharedText = std::shared_ptr<const std::string>;

[[nodiscard]] inline SharedText share(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

/// A message made of pieces, so that large shared pieces need no copy.
class Rope {
 public:
  Rope() = default;
  Rope(std::string text) { add(std::move(text)); }

  void add(std::string text) {
    size_ += text.size();
    pieces_.push_back(share(std::move(text)));
  }
  void add(SharedText text) {
    size_ += text->size();
    pieces_.push_back(std::move(text));
  }

  [[nodiscard]] const std::vector<SharedText>& pieces() const { return pieces_; }
  /// Bytes in all pieces together.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::vector<SharedText> pieces_;
  std::size_t size_ = 0;
};

}  // namespace util
