#include "../util/flat.hpp"
#include "pair.hpp"

namespace {

/// A large text that goes out `count` times with others around it, as a PSBT does that goes to many peers.
struct Repeated : Pair {
  static constexpr int count = 40;

  void send_all() {
    for (int i = 0; i < count; ++i) {
      util::Rope message("head " + std::to_string(i) + ' ');
      message.add(text);
      if (i % 2 == 0) message.add(text);
      // More than a socket takes at once, in pieces that are not large.
      for (int tail = 0; i % 8 == 1 && tail < 20; ++tail) message.add(std::to_string(tail) + pattern(30'000));
      expected += flat(message);
      left->send(std::move(message));
    }
  }

  /// Not a whole number of pages.
  util::SharedText text = util::share(pattern(117'001));
  std::string expected;
};

}  // namespace

TEST_CASE_FIXTURE(Repeated, "a text that comes again: all pieces in their order, pending while the reader is slow") {
  SUBCASE("sockets") { open_sockets(); }
  SUBCASE("pipes") { open_pipes(); }
  left->start(left_sink);
  send_all();
  const auto queued = left->pending();
  CHECK(left_sink.drains == 0);
  CHECK(queued < expected.size());
  CHECK(queued > expected.size() - 1'000'000);
  run_turns();
  CHECK(left->pending() == queued);
  CHECK(left_sink.drains == 0);

  std::size_t least = queued;
  left_sink.on_drained = [this, &least] {
    // What has come and what is queued are all there is, but for what the socket holds.
    CHECK(left->pending() <= least);
    CHECK(right_sink.text.size() + left->pending() <= expected.size());
    CHECK(right_sink.text.size() + left->pending() > expected.size() - 1'000'000);
    least = left->pending();
  };
  right->start(right_sink);
  stop_at(expected.size());
  run();
  run_turns();
  CHECK((right_sink.text == expected));
  CHECK(left->pending() == 0);
  CHECK(least == 0);
  CHECK(text.use_count() == 1);
}

TEST_CASE_FIXTURE(Repeated,
                  "a message that ends with the text is told to be through, when the socket took it at once") {
  const auto whole = util::share(pattern(32'768));
  open_sockets();
  start();
  left->send(util::Rope("x"));
  for (int i = 0; i < 2; ++i) {
    util::Rope message;
    message.add(whole);
    left->send(std::move(message));
  }
  left_sink.on_drained = [this] {
    if (left->pending() == 0 && left_sink.drains > 1) loop.stop();
  };
  run();
  run_turns();
  left_sink.drains = 0;
  left_sink.on_drained = stop();
  util::Rope message;
  message.add(whole);
  left->send(std::move(message));
  run();
  CHECK(left_sink.drains > 0);
  run_turns();
  CHECK((right_sink.text == "x" + *whole + *whole + *whole));
}

TEST_CASE_FIXTURE(Repeated, "a reader that goes away in the middle of the text closes the writer, once") {
  open_sockets();
  start();
  send_all();
  right_sink.on_received = [this] { right.reset(); };
  left_sink.on_closed = stop();
  run();
  run_turns();
  CHECK(left_sink.closings == 1);
  CHECK(left->pending() == 0);
  CHECK(text.use_count() == 1);
  left->send(util::Rope("more"));
  CHECK(left->pending() == 0);
}

TEST_CASE_FIXTURE(Repeated, "a transport that goes in the middle of the text: the rest is still written") {
  open_sockets();
  start();
  send_all();
  right_sink.on_received = [this] { left.reset(); };
  right_sink.on_closed = stop();
  run();
  CHECK((right_sink.text == expected));
  CHECK(right_sink.reason == "end of file");
  CHECK(left_sink.closings == 0);
  run_turns();
  CHECK(text.use_count() == 1);
}
