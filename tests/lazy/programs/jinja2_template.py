"""jinja2 loads, compiles and renders templates."""

from jinja2 import DictLoader, Environment, Template

environment = Environment(loader=DictLoader({"page": "<h1>{{ title }}</h1>"}), autoescape=True)
print(environment.get_template("page").render(title="shop & co"))
print(Template("{{ 6 * 7 }}").render())
