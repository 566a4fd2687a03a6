"""SQLAlchemy with an engine that is made by an imported name, and objects; sqlite3 lies below."""

from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    number: Mapped[int] = mapped_column(primary_key=True)


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Order(number=7))
    session.commit()
    print(session.scalars(select(Order.number)).all())
with engine.connect() as connection:
    print(connection.execute(text("SELECT 42")).scalar())
engine.dispose()
