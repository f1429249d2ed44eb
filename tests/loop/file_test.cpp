#include <fstream>
#include <iterator>

#include "pair.hpp"

TEST_CASE_FIXTURE(Pair, "regular files: input to its end, output at once") {
  const auto in = directory + "/in";
  const auto out = directory + "/out";
  const auto text = pattern(300'000);
  std::ofstream(in) << text;
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  left = loop.stdio(::open(in.c_str(), O_RDONLY | O_CLOEXEC), out_fd);
  left->start(left_sink);
  CHECK(left_sink.text.empty());
  left->send(std::string("written"));
  CHECK(left_sink.drains == 0);
  CHECK(left->pending() == 0);
  left_sink.on_closed = stop();
  run();
  CHECK((left_sink.text == text));
  CHECK(left_sink.reason == "end of file");
  left.reset();
  CHECK(::fcntl(out_fd, F_GETFD) == -1);
  std::ifstream written(out);
  CHECK(std::string(std::istreambuf_iterator<char>(written), {}) == "written");
}

TEST_CASE_FIXTURE(Pair, "/dev/null is an empty input and takes any output") {
  left = loop.stdio(::open("/dev/null", O_RDONLY | O_CLOEXEC), ::open("/dev/null", O_WRONLY | O_CLOEXEC));
  left->start(left_sink);
  left->send(pattern(1'000'000));
  left_sink.on_closed = stop();
  run();
  CHECK(left_sink.reason == "end of file");
}

TEST_CASE_FIXTURE(Pair, "a full device and a closed descriptor are closed, not fatal") {
  SUBCASE("full device") {
    const auto in = pipe_pair();
    left = loop.stdio(in.first, ::open("/dev/full", O_WRONLY | O_CLOEXEC));
  }
  SUBCASE("closed descriptor") {
    const auto in = pipe_pair();
    const int out = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::close(in.first);
    left = loop.stdio(in.first, out);
  }
  left->start(left_sink);
  left_sink.on_closed = stop();
  left->send(std::string("x"));
  CHECK(left_sink.closings == 0);
  run();
  run_turns();
  CHECK(left_sink.closings == 1);
  CHECK_FALSE(left_sink.reason.empty());
}

TEST_CASE_FIXTURE(Pair, "a file transport may go inside received") {
  const auto in = directory + "/in";
  std::ofstream(in) << pattern(300'000);
  left = loop.stdio(::open(in.c_str(), O_RDONLY | O_CLOEXEC), ::open("/dev/null", O_WRONLY | O_CLOEXEC));
  left->start(left_sink);
  left_sink.on_received = [this] { left.reset(); };
  run_turns();
  CHECK(left_sink.text.size() == 65536);
  CHECK(left_sink.closings == 0);
}
