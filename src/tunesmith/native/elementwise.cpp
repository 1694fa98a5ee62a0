// The operations between a network's matrix products, each in one pass over its numbers instead of one for every
// multiplication and sum: RMSNorm, rotary embedding, SwiGLU, forward and backward. All arrays are contiguous. What is
// named in `bytes` is fp32 (4) or bf16 (2), the rest fp32, and so is all that is computed.

#include "numbers.h"

namespace {

template <typename Number>
void norm(const float* x, const Number* more, const float* weight, int64_t rows, int64_t n, float epsilon, float* sum_of_both, Number* out, float* scale,
          int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(rows);
        for (int64_t row = share.begin; row < share.end; ++row) {
            const float* from = x + row * n;
            if (more) {
                float* to = sum_of_both + row * n;
                pieces(n, [=](int64_t i, int64_t some) { put(to + i, get(from + i, some) + get(more + row * n + i, some), some); });
                from = to;
            }
            Number* to = out + row * n;
            const float factor = scale[row] = 1.0f / std::sqrt(dot(from, from, n) / static_cast<float>(n) + epsilon);
            pieces(n, [=](int64_t i, int64_t some) { put(to + i, get(weight + i, some) * (get(from + i, some) * factor), some); });
        }
    }
}

template <typename Number>
void norm_backward(const Number* grad, const float* above, const float* x, const float* weight, const float* scale, int64_t rows, int64_t n,
                   float* grad_x, Number* grad_more, float* sums, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(rows);
        float* own = sums + omp_get_thread_num() * n;
        for (int64_t row = share.begin; row < share.end; ++row) {
            const Number* g = grad + row * n;
            const float *from = x + row * n, *past = above ? above + row * n : nullptr;
            float* to = grad_x + row * n;
            Number* narrow = grad_more ? grad_more + row * n : nullptr;
            const float factor = scale[row];
            Vector products = {};
            pieces(n, [&](int64_t i, int64_t some) {
                const Vector gradient = get(g + i, some), value = get(from + i, some);
                products += gradient * get(weight + i, some) * value;
                put(own + i, get(own + i, some) + gradient * value * factor, some);
            });
            const float back = factor * factor * factor * sum(products) / static_cast<float>(n);
            pieces(n, [=](int64_t i, int64_t some) {
                Vector whole = get(weight + i, some) * get(g + i, some) * factor - get(from + i, some) * back;
                if (past) whole += get(past + i, some);
                put(to + i, whole, some);
                if (narrow) put(narrow + i, whole, some);
            });
        }
    }
}

template <typename Number>
void add(const float* x, const Number* more, int64_t n, float* out, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(n);
        const int64_t begin = share.begin;
        pieces(share.end - begin, [=](int64_t i, int64_t some) { put(out + begin + i, get(x + begin + i, some) + get(more + begin + i, some), some); });
    }
}

template <typename Number>
void rotary(const Number* x, const float* cosine, const float* sine, int64_t rows, int64_t heads, int64_t n, float direction, Number* out,
            int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(rows);
        const int64_t half = n / 2;
        for (int64_t row = share.begin; row < share.end; ++row) {
            const float *c = cosine + row * n, *s = sine + row * n;
            for (int64_t head = 0; head < heads; ++head) {
                const Number* from = x + (row * heads + head) * n;
                Number* to = out + (row * heads + head) * n;
                pieces(half, [=](int64_t i, int64_t some) {
                    const Vector a = get(from + i, some), b = get(from + half + i, some);
                    const Vector cos = get(c + i, some), sin = get(s + i, some) * direction;
                    put(to + i, a * cos - b * sin, some);
                    put(to + half + i, b * cos + a * sin, some);
                });
            }
        }
    }
}

template <typename Number>
void swiglu(const Number* gate, const Number* up, int64_t n, Number* out, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(n);
        const int64_t begin = share.begin;
        pieces(share.end - begin, [=](int64_t i, int64_t some) {
            const Vector g = get(gate + begin + i, some);
            put(out + begin + i, g / (exponential(-g) + 1.0f) * get(up + begin + i, some), some);
        });
    }
}

template <typename Number>
void swiglu_backward(const Number* grad, const Number* gate, const Number* up, int64_t n, Number* grad_gate, Number* grad_up, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(n);
        const int64_t begin = share.begin;
        pieces(share.end - begin, [=](int64_t i, int64_t some) {
            const Vector g = get(gate + begin + i, some), gradient = get(grad + begin + i, some);
            const Vector sigmoid = 1.0f / (exponential(-g) + 1.0f);
            put(grad_gate + begin + i, gradient * get(up + begin + i, some) * sigmoid * (1.0f + g * (1.0f - sigmoid)), some);
            put(grad_up + begin + i, gradient * g * sigmoid, some);
        });
    }
}

}  // namespace

extern "C" {

// s = x, or x + more where `more` is not null, which is written to `sum_of_both` then. out[r] = weight * s[r] * scale[r], scale[r] =
// 1 / sqrt(mean(s[r]^2) + epsilon); x, more, s, out (rows, n), scale (rows,). `bytes`: more, out.
void tunesmith_norm(const float* x, const void* more, const float* weight, int64_t rows, int64_t n, float epsilon, int64_t bytes,
                    float* sum_of_both, void* out, float* scale, int64_t threads) {
    with_number(bytes, [=](auto number) {
        using Number = decltype(number);
        norm(x, static_cast<const Number*>(more), weight, rows, n, epsilon, sum_of_both, static_cast<Number*>(out), scale, threads);
    });
}

// grad_x[r] = scale w g - x scale^3 mean(w g x), and `above`'s r-th row where that is not null; the same in `grad_more` where that is not
// null. grad_weight = sum over rows of g x scale, from one sum for each thread (threads, n), which begin as zeros. `bytes`: grad, grad_more.
void tunesmith_norm_backward(const void* grad, const float* above, const float* x, const float* weight, const float* scale, int64_t rows,
                             int64_t n, int64_t bytes, float* grad_x, void* grad_more, float* sums, int64_t threads) {
    with_number(bytes, [=](auto number) {
        using Number = decltype(number);
        norm_backward(static_cast<const Number*>(grad), above, x, weight, scale, rows, n, grad_x, static_cast<Number*>(grad_more), sums, threads);
    });
}

// out = x + more, n numbers. `bytes`: more.
void tunesmith_add(const float* x, const void* more, int64_t n, int64_t bytes, float* out, int64_t threads) {
    with_number(bytes, [=](auto number) { add(x, static_cast<const decltype(number)*>(more), n, out, threads); });
}

// Each head of x (rows, heads, n) turned by its row's angles: cosine, sine (rows, n), both halves alike. `direction` -1
// turns back. `bytes`: x, out.
void tunesmith_rotary(const void* x, const float* cosine, const float* sine, int64_t rows, int64_t heads, int64_t n, float direction,
                      int64_t bytes, void* out, int64_t threads) {
    with_number(bytes, [=](auto number) {
        using Number = decltype(number);
        rotary(static_cast<const Number*>(x), cosine, sine, rows, heads, n, direction, static_cast<Number*>(out), threads);
    });
}

// out = silu(gate) * up, for n numbers of `bytes`.
void tunesmith_swiglu(const void* gate, const void* up, int64_t n, int64_t bytes, void* out, int64_t threads) {
    with_number(bytes, [=](auto number) {
        using Number = decltype(number);
        swiglu(static_cast<const Number*>(gate), static_cast<const Number*>(up), n, static_cast<Number*>(out), threads);
    });
}

// With s = sigmoid(gate): grad_gate = grad up s (1 + gate (1 - s)), grad_up = grad gate s.
void tunesmith_swiglu_backward(const void* grad, const void* gate, const void* up, int64_t n, int64_t bytes, void* grad_gate, void* grad_up,
                               int64_t threads) {
    with_number(bytes, [=](auto number) {
        using Number = decltype(number);
        auto in = [](const void* p) { return static_cast<const Number*>(p); };
        swiglu_backward(in(grad), in(gate), in(up), n, static_cast<Number*>(grad_gate), static_cast<Number*>(grad_up), threads);
    });
}
}
