#include "portrait.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "net.h"
#include "resize.h"

namespace portrait {
namespace {

constexpr const char* kSchema = "portrait/1";
constexpr const char* kResize = "area where it shrinks, bilinear with half-pixel centres where it grows";
constexpr int kPresenceSide = 256;  // a larger mask is made so small before its presence is read

void demand(bool holds, const std::string& otherwise) {
    if (!holds) throw std::runtime_error(otherwise);
}

// A description that asks for what this code does not do is refused: it would give a mask, and a wrong one.
void demand_same_rules(const nlohmann::json& told) {
    const auto& input = told.at("input");
    const auto& output = told.at("output");
    demand(told.at("schema") == kSchema, std::string("its schema is not ") + kSchema);
    demand(input.at("channels") == "RGB" && input.at("range") == nlohmann::json({0, 1}), "its input is not RGB in [0, 1]");
    demand(input.at("fit") == "squash", "its frames are not squashed to the input's size");
    demand(input.at("resize") == kResize, "it has another resize rule");
    demand(output.at("meaning") == "alpha" && output.at("height") == input.at("height") &&
               output.at("width") == input.at("width"),
           "its output is not alpha at the input's size");
    demand(told.at("files").contains("ncnn"), "it names no ncnn file; write one: fastportrait export NAME --to ncnn");
}

}  // namespace

Portrait::Portrait(const std::string& description, int threads) : net_(new ncnn::Net) {
    std::string param;
    try {
        std::ifstream file(description);
        demand(bool(file), "no such file");
        const nlohmann::json told = nlohmann::json::parse(file);
        demand_same_rules(told);
        height_ = told.at("input").at("height");
        width_ = told.at("input").at("width");
        share_ = told.at("presence").at("share");
        threshold_ = told.at("presence").at("threshold");
        demand(height_ > 0 && width_ > 0 && share_ > 0 && share_ <= 1, "its size or its share of presence is not possible");
        const auto& entry = told.at("files").at("ncnn");
        input_ = entry.at("input");
        output_ = entry.at("output");
        param = description.substr(0, description.find_last_of('/') + 1) + std::string(entry.at("file"));
    } catch (const std::exception& error) {
        throw std::runtime_error(description + ": " + error.what());
    }

    net_->opt.num_threads = threads;
    net_->opt.use_vulkan_compute = false;
    net_->opt.use_fp16_packed = false;  // on ARM half precision is on by default, and moves alpha by up to 0.2
    net_->opt.use_fp16_storage = false;
    net_->opt.use_fp16_arithmetic = false;
    net_->opt.use_bf16_storage = false;
    const std::string weights = param.substr(0, param.find_last_of('.')) + ".bin";
    demand(net_->load_param(param.c_str()) == 0, param + ": ncnn cannot load it: missing, or it has layers that this ncnn lacks");
    demand(net_->load_model(weights.c_str()) == 0, weights + ": ncnn cannot load it: missing, or not the weights of " + param);
}

Portrait::~Portrait() = default;

Mask Portrait::operator()(const uint8_t* rgb, int height, int width) const {
    const std::vector<float> small = run(prepare(rgb, height, width));
    Mask mask{presence(small), false, std::vector<float>(size_t(height) * width, 0.0f)};
    mask.somebody = mask.presence >= threshold_;
    if (mask.somebody) mask.alpha = resize(small.data(), height_, width_, 1, height, width);
    return mask;
}

std::vector<uint8_t> Portrait::prepare(const uint8_t* rgb, int height, int width) const {
    return resize(rgb, height, width, 3, height_, width_);
}

std::vector<float> Portrait::run(const std::vector<uint8_t>& image) const {
    const size_t count = size_t(height_) * width_;
    demand(image.size() == 3 * count, "the network's input has another size: prepare() makes it");
    ncnn::Mat in(width_, height_, 3);
    for (int c = 0; c < 3; ++c) {
        float* plane = in.channel(c);
        for (size_t i = 0; i < count; ++i) plane[i] = image[3 * i + c] / 255.0f;
    }
    ncnn::Extractor extractor = net_->create_extractor();
    ncnn::Mat out;
    demand(extractor.input(input_.c_str(), in) == 0 && extractor.extract(output_.c_str(), out) == 0,
           "ncnn cannot run the network from " + input_ + " to " + output_);
    demand(out.w == width_ && out.h == height_ && out.c == 1, "the network's mask has another size than its input");
    const float* alpha = out.channel(0);
    return std::vector<float>(alpha, alpha + count);
}

float Portrait::presence(const std::vector<float>& alpha) const {
    const int height = std::min(height_, kPresenceSide), width = std::min(width_, kPresenceSide);
    std::vector<float> small = resize(alpha.data(), height_, width_, 1, height, width);
    const auto most = small.begin() + std::max(1L, std::lrint(share_ * small.size()));
    std::nth_element(small.begin(), most - 1, small.end(), std::greater<float>());
    return std::accumulate(small.begin(), most, 0.0f) / float(most - small.begin());
}

}  // namespace portrait
