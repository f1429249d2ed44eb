#include "loop/stream.hpp"

#include <algorithm>
#include <utility>

#include "loop/edge.hpp"

namespace loop {

namespace {

constexpr std::size_t most_pieces = 256;  // of one write

template <class Handle>
Stream& stream_of(const Handle* handle) {
  return *static_cast<Stream*>(handle->data);
}

/// What the program holds of a stream.
class StreamTransport final : public util::Transport {
 public:
  explicit StreamTransport(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~StreamTransport() override { stream_->let_go(); }
  StreamTransport(const StreamTransport&) = delete;
  StreamTransport& operator=(const StreamTransport&) = delete;

  void start(util::Receiver& receiver) override { stream_->start(receiver); }
  void send(util::Rope message) override { stream_->send(message); }
  [[nodiscard]] std::size_t pending() const override { return stream_->pending(); }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace

std::shared_ptr<Stream> Stream::open(uv_loop_t* loop, int fd, Use use) {
  const std::shared_ptr<Stream> stream(new Stream(use));
  auto& handle = stream->handle_;
  int failed = 0;
  switch (uv_guess_handle(fd)) {
    case UV_NAMED_PIPE:
      uv_pipe_init(loop, &handle.pipe, 0);
      stream->adopt_handle();
      failed = uv_pipe_open(&handle.pipe, fd);
      break;
    case UV_TCP:
      uv_tcp_init(loop, &handle.tcp);
      stream->adopt_handle();
      failed = uv_tcp_open(&handle.tcp, fd);
      break;
    case UV_TTY:
      if (uv_tty_init(loop, &handle.tty, fd, 0) != 0) return nullptr;
      stream->adopt_handle();
      break;
    default:
      return nullptr;
  }
  if (failed == 0) return stream;
  stream->abort();
  return nullptr;
}

std::shared_ptr<Stream> Stream::unconnected(uv_loop_t* loop) {
  std::shared_ptr<Stream> stream(new Stream(Use::both));
  uv_pipe_init(loop, &stream->handle_.pipe, 0);
  stream->adopt_handle();
  return stream;
}

std::unique_ptr<util::Transport> Stream::transport(std::shared_ptr<Stream> stream) {
  return std::make_unique<StreamTransport>(std::move(stream));
}

void Stream::adopt_handle() {
  handle_.handle.data = this;
  self_ = shared_from_this();
}

void Stream::close() {
  if (!self_ || uv_is_closing(&handle_.handle) != 0) return;
  uv_close(&handle_.handle, [](uv_handle_t* handle) {
    const auto self = std::move(stream_of(handle).self_);
    if (!self->why_closed_.empty()) self->report_closed(self->why_closed_);
  });
}

void Stream::start(util::Receiver& receiver) {
  receiver_ = &receiver;
  if (use_ != Use::writing) read();
}

void Stream::read() {
  if (!self_ || uv_is_closing(&handle_.handle) != 0) return;
  const auto get_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto& input = stream_of(handle).input_;
    *buffer = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
  };
  const auto got = [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) { stream_of(stream).on_read(size); };
  if (const auto status = uv_read_start(&handle_.stream, get_buffer, got); status != 0) {
    why_closed_ = uv_strerror(status);
    close();
  }
}

void Stream::on_read(ssize_t size) {
  if (size < 0) {
    uv_read_stop(&handle_.stream);
    report_closed(size == UV_EOF ? "end of file" : uv_strerror(static_cast<int>(size)));
  } else if (size > 0 && receiver_ != nullptr) {
    const std::string_view bytes(input_.data(), static_cast<std::size_t>(size));
    at_edge("receiver", [receiver = receiver_, bytes] { receiver->received(bytes); });
  }
}

void Stream::send(const util::Rope& message) {
  if (!self_ || broken_) return;
  for (const auto& piece : message.pieces()) {
    if (piece->empty()) continue;
    queued_ += piece->size();
    queue_.push_back(piece);
  }
  write_next();
}

std::size_t Stream::pending() const {
  return queued_ + (writing_.empty() ? 0 : uv_stream_get_write_queue_size(&handle_.stream));
}

/// One write at a time: what is sent meanwhile goes out together.
void Stream::write_next() {
  if (!writing_.empty()) return;
  std::vector<uv_buf_t> buffers;
  while (!queue_.empty() && buffers.size() < most_pieces) {
    auto& text = queue_.front();
    buffers.push_back({const_cast<char*>(text->data()), text->size()});
    queued_ -= text->size();
    writing_.push_back(std::move(text));
    queue_.pop_front();
  }
  if (buffers.empty()) return;
  const auto written = [](uv_write_t* request, int status) { stream_of(request).on_written(status); };
  request_.data = this;
  const auto status =
      uv_write(&request_, &handle_.stream, buffers.data(), static_cast<unsigned>(buffers.size()), written);
  if (status != 0) broken(status);
}

void Stream::on_written(int status) {
  writing_.clear();
  if (status != 0) {
    broken(status);
    return;
  }
  write_next();
  if (let_go_ && writing_.empty()) close();
  if (receiver_ != nullptr) at_edge("receiver", [receiver = receiver_] { receiver->drained(); });
}

/// Where we read, too, the reader has the last word: what the other side wrote before it left is
/// still to be read, and its end follows.
void Stream::broken(int status) {
  broken_ = true;
  queue_.clear();
  writing_.clear();
  queued_ = 0;
  if (use_ == Use::writing) why_closed_ = uv_strerror(status);
  if (let_go_ || use_ == Use::writing) close();
}

void Stream::report_closed(const std::string& reason) {
  auto* const receiver = std::exchange(receiver_, nullptr);
  if (receiver != nullptr) at_edge("receiver", [receiver, &reason] { receiver->closed(reason); });
}

void Stream::let_go() {
  receiver_ = nullptr;
  let_go_ = true;
  if (!self_) return;
  uv_read_stop(&handle_.stream);
  if (writing_.empty()) close();
}

void Stream::abort() {
  receiver_ = nullptr;
  close();
}

void Stream::pause(bool on) {
  if (receiver_ == nullptr || use_ == Use::writing || on == paused_) return;
  paused_ = on;
  if (on) {
    uv_read_stop(&handle_.stream);
  } else {
    read();
  }
}

}  // namespace loop
