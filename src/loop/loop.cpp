#include "loop/loop.hpp"

#include <utility>

#include "loop/connect.hpp"
#include "loop/engine.hpp"
#include "loop/file.hpp"
#include "loop/stdio.hpp"
#include "loop/stream.hpp"
#include "loop/write_file.hpp"

namespace loop {

Loop::Loop() : engine_(std::make_shared<Engine>()) {}

Loop::~Loop() { engine_->close(); }

void Loop::post(util::Function<void()> task) { engine_->post(std::move(task)); }

spark::Duration Loop::now() const { return engine_->now(); }

Loop::TimerId Loop::start_timer(spark::Duration delay, util::Function<void()> task) {
  return engine_->start_timer(delay, std::move(task));
}

void Loop::stop_timer(TimerId timer) { engine_->stop_timer(timer); }

void Loop::connect(const std::string& path, util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) {
  loop::connect(engine_, path, std::move(done));
}

util::Result<void> Loop::can_write_in(const std::string& directory) { return loop::can_write_in(directory); }

void Loop::write_file(const std::string& path, std::string text, util::Function<void(util::Result<void>)> done) {
  loop::write_file(engine_, path, std::move(text), std::move(done));
}

std::unique_ptr<util::Transport> Loop::stdio(int in, int out) {
  const auto out_use = in == out ? Use::both : Use::writing;
  const auto output = Stream::open(engine_->uv(), out, out_use);
  engine_->flush_at_stop(output);
  auto writer = output ? Stream::transport(output) : open_file(engine_, out, out_use);
  if (in == out) return writer;
  const auto input = Stream::open(engine_->uv(), in, Use::reading);
  auto reader = input ? Stream::transport(input) : open_file(engine_, in, Use::reading);
  return std::make_unique<Stdio>(std::move(reader), std::move(writer));
}

void Loop::run() { engine_->run(); }

void Loop::stop() { engine_->stop(); }

}  // namespace loop
