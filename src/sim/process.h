// A program that runs as a child of the simulation, and what it costs.
//
// Its output goes to a file; it is told to end, and then made to, when the object goes.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::sim {

class Process {
  public:
    // `words`: the program and its arguments.  The program is looked for in the folders of `path`, as a shell
    // does; with "" it is a program of this binary.
    static Result<std::unique_ptr<Process>> start(const std::string& path, std::vector<std::string> words,
                                                  const std::string& output_file);
    // The same for a program that ends by itself: an error, with what it said, unless its exit code is 0.
    static Result<void> run(const std::string& path, std::vector<std::string> words,
                            const std::string& output_file);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    const std::string& name() const { return name_; }
    bool alive() const;
    double cpu_ms() const;            // processor time of all its threads so far
    uint64_t resident_bytes() const;  // memory now

  private:
    Process(std::string name, pid_t pid) : name_(std::move(name)), pid_(pid) {}

    std::string name_;
    pid_t pid_;
};

}  // namespace weft::sim
