#include <filesystem>
#include <optional>
#include <vector>

#include "bench.hpp"

namespace {

using Connected = util::Result<std::unique_ptr<util::Transport>>;

struct Connection : LoopBench {
  void connect(const std::string& path) {
    loop.connect(path, [this](Connected connected) {
      result = std::move(connected);
      loop.stop();
    });
    CHECK_FALSE(result);
    run();
    REQUIRE(result);
  }
  /// Both sides can talk.
  void check_talk(int listener) {
    REQUIRE(result->ok());
    const int fd = ::accept(listener, nullptr, nullptr);
    const auto server = loop.stdio(fd, fd);
    Sink server_sink;
    Sink client_sink;
    server->start(server_sink);
    (**result)->start(client_sink);
    (**result)->send(std::string("call"));
    server_sink.on_received = [&server] { server->send(std::string("reply")); };
    client_sink.on_received = stop();
    run();
    CHECK(server_sink.text == "call");
    CHECK(client_sink.text == "reply");
    ::close(listener);
  }
  void check_failure(const std::string& path, const std::string& reason) {
    REQUIRE_FALSE(result->ok());
    CHECK(result->error().message == "connecting to " + path + ": " + reason);
  }

  std::optional<Connected> result;
};

/// A folder in `directory` whose path alone is longer than sun_path.
std::string deep_folder(const std::string& directory) {
  auto folder = directory;
  for (int i = 0; i < 5; ++i) folder += "/" + std::string(50, static_cast<char>('a' + i));
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace

TEST_CASE_FIXTURE(Connection, "connects to a unix socket") {
  const int listener = listen_at(directory, "rpc");
  connect(directory + "/rpc");
  check_talk(listener);
}

TEST_CASE_FIXTURE(Connection, "connects to a path far longer than sun_path, and leaves no descriptor open") {
  const auto folder = deep_folder(directory);
  const auto path = folder + "/lightning-rpc";
  REQUIRE(path.size() > 250);
  std::vector<int> free_descriptors;
  for (int i = 0; i < 3; ++i) {
    const int listener = listen_at(folder, "lightning-rpc");
    connect(path);
    check_talk(listener);
    result.reset();
    run_turns();
    std::filesystem::remove(path);
    free_descriptors.push_back(::dup(0));
    ::close(free_descriptors.back());
  }
  CHECK(free_descriptors[2] == free_descriptors[0]);
}

TEST_CASE_FIXTURE(Connection, "a path of exactly the longest and the next length") {
  for (const std::size_t length : {107U, 108U}) {
    const std::string name(length - directory.size() - 1, 'n');
    const int listener = listen_at(directory, name);
    result.reset();
    connect(directory + "/" + name);
    check_talk(listener);
  }
}

TEST_CASE_FIXTURE(Connection, "relative paths work, short and long") {
  const auto back = std::filesystem::current_path();
  const auto folder = deep_folder(directory);
  std::filesystem::current_path(directory);
  const int listener = listen_at(folder, "rpc");
  const int short_listener = listen_at(directory, "rpc");
  connect(std::filesystem::relative(folder + "/rpc").string());
  check_talk(listener);
  result.reset();
  connect("rpc");
  check_talk(short_listener);
  std::filesystem::current_path(back);
}

TEST_CASE_FIXTURE(Connection, "a failure names the path and the reason") {
  SUBCASE("nothing there") {
    const auto path = directory + "/missing";
    connect(path);
    check_failure(path, "no such file or directory");
  }
  SUBCASE("nothing there, long") {
    const auto path = deep_folder(directory) + "/missing";
    connect(path);
    check_failure(path, "no such file or directory");
  }
  SUBCASE("nobody listens") {
    ::close(listen_at(directory, "rpc"));
    connect(directory + "/rpc");
    check_failure(directory + "/rpc", "connection refused");
  }
  SUBCASE("nobody listens, long") {
    const auto folder = deep_folder(directory);
    ::close(listen_at(folder, "rpc"));
    connect(folder + "/rpc");
    check_failure(folder + "/rpc", "connection refused");
  }
}

TEST_CASE_FIXTURE(Connection, "a transport that nobody takes is closed") {
  const int listener = listen_at(directory, "rpc");
  loop.connect(directory + "/rpc", [](Connected) {});
  Sink sink;
  loop.post([this, listener, &sink] {
    const int fd = ::accept(listener, nullptr, nullptr);
    auto server = loop.stdio(fd, fd);
    server->start(sink);
    sink.on_closed = [this, server = std::move(server)] { loop.stop(); };
  });
  run();
  CHECK(sink.reason == "end of file");
  ::close(listener);
}
