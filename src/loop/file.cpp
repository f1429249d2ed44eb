#include "loop/file.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace loop {

namespace {

/// Shared weakly with the tasks that read and report for it.
class OpenFile final : public std::enable_shared_from_this<OpenFile> {
 public:
  OpenFile(std::weak_ptr<Engine> engine, int fd, Use use) : engine_(std::move(engine)), fd_(fd), use_(use) {}
  ~OpenFile() {
    if (fd_ > STDERR_FILENO) ::close(fd_);  // like libuv, which leaves the standard ones open
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  void start(util::Receiver& receiver) {
    receiver_ = &receiver;
    if (use_ != Use::writing) post(&OpenFile::read);
    if (broken_) post(&OpenFile::report_broken);
  }

  void send(const util::Rope& message) {
    if (broken_) return;
    for (const auto& piece : message.pieces()) write(*piece);
    post(broken_ ? &OpenFile::report_broken : &OpenFile::report_drained);
  }

 private:
  void post(void (OpenFile::*step)()) {
    const auto engine = engine_.lock();
    if (!engine) return;
    engine->post([weak = weak_from_this(), step] {
      if (const auto file = weak.lock()) ((*file).*step)();
    });
  }

  void write(std::string_view bytes) {
    while (!bytes.empty() && !broken_) {
      const auto size = ::write(fd_, bytes.data(), bytes.size());
      if (size >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(size));
      } else if (errno != EINTR) {
        broken_ = true;
        why_broken_ = std::strerror(errno);
      }
    }
  }

  void read() {
    if (receiver_ == nullptr) return;
    std::array<char, 65536> input;
    const auto size = ::read(fd_, input.data(), input.size());
    const auto error = size < 0 ? errno : 0;
    if (size > 0 || error == EINTR) post(&OpenFile::read);
    if (size > 0) receiver_->received({input.data(), static_cast<std::size_t>(size)});
    if (size == 0) report_closed("end of file");
    if (error != 0 && error != EINTR) report_closed(std::strerror(error));
  }

  void report_drained() {
    if (receiver_ != nullptr) receiver_->drained();
  }
  void report_broken() { report_closed(why_broken_); }
  void report_closed(const std::string& reason) {
    if (auto* const receiver = std::exchange(receiver_, nullptr)) receiver->closed(reason);
  }

  std::weak_ptr<Engine> engine_;
  int fd_;
  Use use_;
  util::Receiver* receiver_ = nullptr;
  bool broken_ = false;  // for writing
  std::string why_broken_;
};

class FileTransport final : public util::Transport {
 public:
  explicit FileTransport(std::shared_ptr<OpenFile> file) : file_(std::move(file)) {}
  void start(util::Receiver& receiver) override { file_->start(receiver); }
  void send(util::Rope message) override { file_->send(message); }
  [[nodiscard]] std::size_t pending() const override { return 0; }

 private:
  std::shared_ptr<OpenFile> file_;
};

}  // namespace

std::unique_ptr<util::Transport> open_file(std::weak_ptr<Engine> engine, int fd, Use use) {
  return std::make_unique<FileTransport>(std::make_shared<OpenFile>(std::move(engine), fd, use));
}

}  // namespace loop
