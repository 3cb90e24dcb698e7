// A person's mask from a frame, after portrait.json: take this file, portrait.cpp, resize.h and resize.cpp into an
// app; the other files here are the program around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ncnn {
class Net;
}

namespace portrait {

struct Mask {
    float presence;            // how sure the network is, in [0, 1], that somebody is there
    bool somebody;             // presence is at the description's threshold or above it
    std::vector<float> alpha;  // in [0, 1], at the frame's size; all zero where nobody is
};

class Portrait {
public:
    // `description`: the path of a portrait.json that names an ncnn file. Throws std::runtime_error where it, or
    // what it names, cannot be used.
    explicit Portrait(const std::string& description, int threads = 1);
    ~Portrait();

    // rgb: height x width x 3 interleaved bytes. From one thread at a time.
    Mask operator()(const uint8_t* rgb, int height, int width) const;

    // Its steps.
    int height() const { return height_; }  // of the network's input and mask
    int width() const { return width_; }

    // rgb: height x width x 3 interleaved bytes -> the network's input of height() x width() x 3.
    std::vector<uint8_t> prepare(const uint8_t* rgb, int height, int width) const;

    // The network's input -> alpha in [0, 1], height() x width().
    std::vector<float> run(const std::vector<uint8_t>& image) const;

    // The mean of the most confident share of alpha.
    float presence(const std::vector<float>& alpha) const;

private:
    int height_ = 0, width_ = 0;
    float share_ = 0, threshold_ = 0;
    std::string input_, output_;
    std::unique_ptr<ncnn::Net> net_;
};

}  // namespace portrait
