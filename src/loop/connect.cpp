#include "loop/connect.hpp"

#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "loop/stream.hpp"
#include "util/str.hpp"

namespace loop {

namespace {

constexpr int send_buffer = 1 << 20;  // or what the system allows: a large batch then wakes us less often

/// A connection being made. Owned by libuv's request.
struct Connecting {
  uv_connect_t request;
  std::shared_ptr<Stream> stream;
  std::weak_ptr<Engine> engine;
  std::string path;
  OnConnected done;

  void finish(int status) {
    auto transport = Stream::transport(std::move(stream));
    const auto loop = engine.lock();
    if (!loop) return;
    loop->post([then = std::move(done), transport = std::move(transport), path = path, status]() mutable {
      if (status == 0) {
        then(std::move(transport));
      } else {
        then(util::Error{.message = util::str("connecting to ", path, ": ", uv_strerror(status))});
      }
    });
  }
};

void on_connected(uv_connect_t* request, int status) {
  const std::unique_ptr<Connecting> connecting(static_cast<Connecting*>(request->data));
  if (status == 0) {
    auto size = send_buffer;
    uv_send_buffer_size(connecting->stream->handle(), &size);
  }
  connecting->finish(status);
}

}  // namespace

void connect(const std::shared_ptr<Engine>& engine, const std::string& path, OnConnected done) {
  auto connecting =
      std::make_unique<Connecting>(Connecting{{}, Stream::unconnected(engine->uv()), engine, path, std::move(done)});
  auto name = path;
  int socket = -1;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    socket = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (socket < 0) {
      connecting->finish(-errno);
      return;
    }
    name = util::str("/proc/self/fd/", socket);
  }
  auto* const request = &connecting->request;
  auto* const pipe = connecting->stream->pipe();
  request->data = connecting.release();
  uv_pipe_connect(request, pipe, name.c_str(), on_connected);
  // A unix socket's name is looked up in connect(2), which was just called.
  if (socket >= 0) ::close(socket);
}

}  // namespace loop
