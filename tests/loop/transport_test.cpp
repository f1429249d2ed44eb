#include <termios.h>

#include <thread>

#include "../util/flat.hpp"
#include "pair.hpp"

namespace {

std::string read_all(int fd) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const auto size = ::read(fd, buffer, sizeof buffer);
    if (size <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

}  // namespace

TEST_CASE_FIXTURE(Pair, "bytes go both ways, and an end of file is told once") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  SUBCASE("TCP, as socat connects a plugin") { open_tcp(); }
  start();
  left->send(std::string("ping"));
  right_sink.on_received = [this] { right->send(std::string("pong")); };
  left_sink.on_received = stop();
  run();
  CHECK(right_sink.text == "ping");
  CHECK(left_sink.text == "pong");
  CHECK(right_sink.drains >= 1);

  right.reset();
  left_sink.on_closed = stop();
  run();
  run_turns();
  CHECK(left_sink.closings == 1);
  CHECK(left_sink.reason == "end of file");
  CHECK(right_sink.closings == 0);
}

TEST_CASE_FIXTURE(Pair, "send never calls the receiver, and pending counts what a slow reader leaves") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  left->start(left_sink);
  // Far more pieces than go into one write, some shared, some empty, some large.
  const auto shared = util::share(pattern(3'000'000));
  std::string expected;
  util::Rope message;
  for (int i = 0; i < 3000; ++i) {
    message.add(std::to_string(i));
    message.add(std::string());
    if (i % 1000 == 0) message.add(shared);
  }
  expected = flat(message) + "end";
  const auto watch = std::weak_ptr<const std::string>(shared);
  left->send(std::move(message));
  left->send(std::string("end"));
  CHECK(left_sink.drains == 0);
  CHECK(left->pending() > expected.size() - 1'000'000);
  CHECK(left->pending() <= expected.size());
  run_turns();
  CHECK(left->pending() > expected.size() - 1'000'000);

  right->start(right_sink);
  stop_at(expected.size());
  run();
  run_turns();
  CHECK((right_sink.text == expected));
  CHECK(left->pending() == 0);
  CHECK(left_sink.drains >= 1);
  CHECK(shared.use_count() == 1);
}

TEST_CASE_FIXTURE(Pair, "pieces live until they are written") {
  open_sockets();
  const auto text = pattern(2'000'000);
  left->send(util::Rope(text));
  right->start(right_sink);
  stop_at(text.size());
  run();
  CHECK((right_sink.text == text));
}

TEST_CASE_FIXTURE(Pair, "destroying a transport writes what was queued, in the background") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  const auto text = pattern(5'000'000);
  left->start(left_sink);
  left->send(text.substr(0, 10));
  left->send(text.substr(10));
  left.reset();
  right->start(right_sink);
  right_sink.on_closed = stop();
  run();
  CHECK((right_sink.text == text));
  CHECK(right_sink.reason == "end of file");
  CHECK(left_sink.drains == 0);
}

TEST_CASE_FIXTURE(Pair, "a transport may go inside received") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  start();
  right_sink.on_received = [this] { right.reset(); };
  left_sink.on_closed = stop();
  left->send(pattern(200'000));
  run();
  run_turns();
  CHECK(right_sink.text.size() <= 65536);
  CHECK(right_sink.closings == 0);
}

TEST_CASE_FIXTURE(Pair, "a transport may go inside drained") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  start();
  left_sink.on_drained = [this] { left.reset(); };
  right_sink.on_closed = stop();
  left->send(std::string("x"));
  run();
  run_turns();
  CHECK(right_sink.text == "x");
  CHECK(left_sink.closings == 0);
}

TEST_CASE_FIXTURE(Pair, "a transport may go inside closed") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  start();
  right_sink.on_closed = [this] { right.reset(); };
  left.reset();
  run_turns();
  CHECK_FALSE(right);
  CHECK(right_sink.closings == 1);
}

TEST_CASE_FIXTURE(Pair, "a reader that goes away closes the writer, once") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  start();
  left->send(pattern(1'000'000));
  right_sink.on_received = [this] { right.reset(); };
  left_sink.on_closed = stop();
  run();
  left->send(std::string("more"));
  run_turns();
  CHECK(left_sink.closings == 1);
  CHECK_FALSE(left_sink.reason.empty());
  CHECK(left->pending() == 0);
}

TEST_CASE_FIXTURE(Pair, "standard output that breaks is told, though standard input is open") {
  const auto in = pipe_pair();
  const auto out = pipe_pair();
  left = loop.stdio(in.first, out.second);
  left->start(left_sink);
  ::close(out.first);
  left_sink.on_closed = stop();
  left->send(std::string("lost"));
  CHECK(left_sink.closings == 0);
  run();
  REQUIRE(::write(in.second, "x", 1) == 1);
  run_turns();
  CHECK(left_sink.closings == 1);
  CHECK(left_sink.reason == "broken pipe");
  CHECK(left_sink.text.empty());
  ::close(in.second);
}

TEST_CASE_FIXTURE(Pair, "what the other side wrote before it left is read, though our write failed") {
  const auto fds = socket_pair();
  left = loop.stdio(fds.first, fds.first);
  REQUIRE(::write(fds.second, "answer", 6) == 6);
  ::close(fds.second);
  left->send(std::string("question"));
  run_turns();
  left->start(left_sink);
  left_sink.on_closed = stop();
  run();
  CHECK(left_sink.text == "answer");
  CHECK(left_sink.closings == 1);
}

TEST_CASE_FIXTURE(Pair, "stop writes out what is queued on standard output, and nothing else goes on") {
  const auto in = pipe_pair();
  const auto out = pipe_pair();
  const auto text = pattern(3'000'000);
  std::string got;
  std::thread reader([&got, fd = out.first] { got = read_all(fd); });
  left = loop.stdio(in.first, out.second);
  left->start(left_sink);
  bool keep = false;
  SUBCASE("with its transport") { keep = true; }
  SUBCASE("when its transport is gone") {}
  loop.post([this, &text, keep, fd = in.second] {
    left->send(text);
    if (!keep) left.reset();
    CHECK(::write(fd, "input", keep ? 5 : 0) >= 0);
    loop.stop();
  });
  int late = 0;
  loop.post([&late] { ++late; });
  run();
  CHECK(late == 0);
  CHECK((!left || left->pending() == 0));
  CHECK(left_sink.text.empty());
  left.reset();
  loop.run();  // lets go of the pipe, which ends the reader
  reader.join();
  CHECK((got == text));
  ::close(in.second);
}

TEST_CASE_FIXTURE(Pair, "a terminal is read and written") {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  const int fd = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  termios settings{};
  REQUIRE(::tcgetattr(fd, &settings) == 0);
  ::cfmakeraw(&settings);
  REQUIRE(::tcsetattr(fd, TCSANOW, &settings) == 0);
  left = loop.stdio(fd, fd);
  left->start(left_sink);
  left_sink.on_received = stop();
  REQUIRE(::write(terminal, "typed", 5) == 5);
  run();
  CHECK(left_sink.text == "typed");
  left_sink.on_drained = stop();
  left->send(std::string("shown"));
  run();
  char shown[16];
  CHECK(std::string(shown, static_cast<std::size_t>(::read(terminal, shown, sizeof shown))) == "shown");
  ::close(terminal);
}

TEST_CASE_FIXTURE(Pair, "a standard input that cannot be read ends the transport, with the reason") {
  const auto unused = pipe_pair();
  SUBCASE("it is the end of a pipe that is for writing") {
    left = loop.stdio(unused.second, pipe_pair().second);
    left->start(left_sink);
    left_sink.on_closed = stop();
    run();
    CHECK(left_sink.reason == "socket is not connected");
  }
  SUBCASE("it is open as a name only") {
    const auto name = directory + "/fifo";
    REQUIRE(::mkfifo(name.c_str(), 0600) == 0);
    left = loop.stdio(::open(name.c_str(), O_PATH | O_CLOEXEC), pipe_pair().second);
    left->start(left_sink);
    left_sink.on_closed = stop();
    run();
    CHECK(left_sink.reason == "Bad file descriptor");
  }
  run_turns();
  CHECK(left_sink.closings == 1);
}
