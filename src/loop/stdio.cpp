#include "loop/stdio.hpp"

#include <utility>

namespace loop {

void Stdio::start(util::Receiver& receiver) {
  receiver_ = &receiver;
  in_->start(*this);
  out_->start(*this);
}

// The receiver may destroy us in each of these, so it is called last.

void Stdio::received(std::string_view bytes) {
  if (receiver_ != nullptr) receiver_->received(bytes);
}

void Stdio::drained() {
  if (receiver_ != nullptr) receiver_->drained();
}

void Stdio::closed(const std::string& reason) {
  if (auto* const receiver = std::exchange(receiver_, nullptr)) receiver->closed(reason);
}

}  // namespace loop
