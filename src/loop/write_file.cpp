#include "loop/write_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "util/str.hpp"

namespace loop {

using util::Error;
using util::Result;
using util::str;

namespace {

Error failed(const char* deed, const std::string& path) {
  return Error{-1, str("cannot ", deed, " ", path, ": ", std::strerror(errno)), {}};
}

/// Deletes itself when it is done; between its start and its end the pool's thread has it to itself.
struct Write {
  uv_work_t work{};
  std::weak_ptr<Engine> engine;
  std::string path;
  std::string text;
  util::Function<void(Result<void>)> done;
  Result<void> outcome;

  void carry_out() {
    const std::string partial = path + ".part";
    outcome = write(partial);
    if (outcome && std::rename(partial.c_str(), path.c_str()) != 0) outcome = failed("write", path);
    if (!outcome) ::unlink(partial.c_str());
  }

  [[nodiscard]] Result<void> write(const std::string& where) const {
    std::FILE* file = std::fopen(where.c_str(), "w");
    if (file == nullptr) return failed("write", path);
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (written && std::fclose(file) == 0) return {};
    const auto error = failed("write", path);
    if (!written) std::fclose(file);
    return error;
  }

  void report() {
    const auto alive = engine.lock();
    if (!alive) return;
    alive->post([then = std::move(done), result = std::move(outcome)]() mutable { then(std::move(result)); });
  }
};

}  // namespace

Result<void> can_write_in(const std::string& directory) {
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0) return failed("write in", directory);
  errno = ENOTDIR;
  if (!S_ISDIR(found.st_mode)) return failed("write in", directory);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) return failed("write in", directory);
  return {};
}

void write_file(const std::shared_ptr<Engine>& engine, const std::string& path, std::string text,
                util::Function<void(Result<void>)> done) {
  auto* const write = new Write{{}, engine, path, std::move(text), std::move(done), {}};
  write->work.data = write;
  uv_queue_work(
      engine->uv(), &write->work, [](uv_work_t* work) { static_cast<Write*>(work->data)->carry_out(); },
      [](uv_work_t* work, int) {
        const std::unique_ptr<Write> finished(static_cast<Write*>(work->data));
        finished->report();
      });
}

}  // namespace loop
